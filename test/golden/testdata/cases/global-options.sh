datalad -f disabled create ds
mkdir -p ds/d
echo 1 > ds/d/a
datalad -C ds status
datalad -C ds -C d status
datalad -C ds/d save -m there
datalad -C nosuch status
datalad -f nosuch -C ds status
datalad -l nosuch -C ds status
datalad --on-failure nosuch -C ds status
datalad --report-status nosuch -C ds status
datalad --version | cut -d" " -f1
datalad
datalad -f json -C ds status
