# not run: needs a special remote called store
