"""The symbolic graph: types, variables, ops, function graphs, walks and copies. It knows nothing of tensors."""
