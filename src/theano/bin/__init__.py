"""theano.bin: the commands that are installed with the package."""
