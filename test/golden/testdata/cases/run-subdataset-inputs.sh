# skip stdout: the output of the command comes before buffered results there
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
echo in > a/b/in; datalad -f disabled save -d . -r -m input
datalad run -m read -i a/b/in -o out "cat {inputs} > {outputs}"
datalad run -m glob -i "a/*/i*" -o out "cat {inputs} >> {outputs}; echo {inputs}"
datalad run -m fails -i a/b/nosuch "true"
