datalad -f disabled create ds
cd ds
git checkout -q --orphan other; git rm -rq --cached .; rm -rf .datalad .gitattributes
echo 1 > a
datalad save -m root
git log --format=%s
datalad status
