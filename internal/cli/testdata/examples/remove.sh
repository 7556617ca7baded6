# not run: it needs other hosts or datasets; testdata/script has what it does
