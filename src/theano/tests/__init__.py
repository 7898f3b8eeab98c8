"""Door: public import paths of tools for people who test their own programs. The project's own tests are elsewhere."""
