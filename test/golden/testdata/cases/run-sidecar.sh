# skip tree: the record's name and the compressed bytes depend on the dataset id
# skip worktree: the record's name and the compressed bytes depend on the dataset id
# skip log: the record's name and the compressed bytes depend on the dataset id
# skip objects: the record's name and the compressed bytes depend on the dataset id
# skip annex: the record's name and the compressed bytes depend on the dataset id
# skip stdout: the record's name and the compressed bytes depend on the dataset id
datalad create ds
cd ds
datalad run --sidecar yes "echo side > side.txt"
xzcat .datalad/runinfo/* | sed 's/"dsid":"[^"]*"//' > ../record
