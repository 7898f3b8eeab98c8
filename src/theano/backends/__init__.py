"""What runs a rewritten graph: `native` (machine code) and `reference` (node by node, the meaning of every op)."""
