"""Door: tools under the original's paths."""
