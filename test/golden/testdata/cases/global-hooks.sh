datalad -f disabled create ds
cd ds
git config --global datalad.result-hook.note.match-json "{\"action\": \"save\", \"status\": \"ok\", \"type\": [\"in\", [\"dataset\", \"x\"]]}"
git config --global datalad.result-hook.note.call-json "unlock {{\"dataset\": \"{dsarg}\", \"path\": \"{refds}/a\"}}"
echo 1 > a
datalad save -m hooked
git config --global datalad.result-hook.note.match-json "{\"action\": \"save\", \"status\": [\"neq\", \"ok\"]}"
datalad save -m nothing
datalad status
