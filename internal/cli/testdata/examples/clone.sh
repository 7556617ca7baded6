# not run: needs a store at an absolute path
