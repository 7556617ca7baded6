# newer stdout: "type": "dataset"}\nexit 1\n => "type": "dataset"}\nexit 3\n
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
datalad foreach-dataset -r false
datalad --on-failure stop foreach-dataset -r false
datalad -f json foreach-dataset "exit 3"
datalad foreach-dataset "echo {nosuch}"
datalad foreach-dataset
datalad foreach-dataset --cmd-type external pwd | sort
mv "deep/c d" ../moved; mkdir "deep/c d"
datalad foreach-dataset -r pwd | sort
datalad foreach-dataset -r --state any pwd | sort
