# newer super/log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad create super
cd super
datalad create -d . sub
echo 1 > sub/one; echo 2 > sub/two
datalad save -m inside sub/one
datalad status
datalad -f json save -d . -m up sub/two
datalad status
echo 3 > sub/three; echo top > top
datalad save -d . -m sub sub
datalad save -m subs sub
datalad save -d . -m sub sub
datalad save -d . sub/two
datalad save sub/missing
datalad status -r
