"""`python -m theano`: print what this process runs on (see `theano.doctor`)."""

from theano.compile.doctor import doctor

if __name__ == "__main__":
    print(doctor())
