# newer super/log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad create super
cd super
datalad create -d . sub
cd sub; echo 1 > f; datalad save -m one; cd ..
datalad status
datalad -f json status
datalad -f json save -m moved
datalad status
git -C sub commit -q --allow-empty -m empty
git add sub
datalad status
datalad save -m staged
