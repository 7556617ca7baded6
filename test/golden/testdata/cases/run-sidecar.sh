# skip tree: the record's name depends on the dataset id, its bytes on the compressor
# skip worktree: the record's name depends on the dataset id, its bytes on the compressor
# skip objects: the record's name depends on the dataset id, its bytes on the compressor
# skip annex: the record's name depends on the dataset id, its bytes on the compressor
datalad create ds
cd ds
datalad run --sidecar yes "echo side > side.txt"
xzcat .datalad/runinfo/*
