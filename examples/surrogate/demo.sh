#!/usr/bin/env bash
# demo.sh [FOLDER]: a guided tour of Stemma. It makes a dataset in FOLDER (default
# ./demo-dataset), runs eight simulations and a training job, shows what was
# recorded, and redoes one simulation from its commit alone.
#
# STEMMA            the program to show (default: bin/stemma beside the examples)
# STEMMA_SCHEDULER  local (default: the embedded scheduler) or slurm
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-demo-dataset}
scheduler=${STEMMA_SCHEDULER:-local}
program=${STEMMA:-$here/../../bin/stemma}
started=$SECONDS

# shellcheck disable=SC2154
trap 'echo "demo: the command in line $LINENO failed" >&2' ERR
die() { echo "demo: $*" >&2; exit 1; }
[[ -x $program ]] || die "there is no $program; run 'make build' first, or set STEMMA"
[[ ! -e $folder ]] || die "$folder exists already; remove it, or name another folder: demo.sh FOLDER"
command -v go >/dev/null || die "the simulations are Go programs; 'go' is not on PATH"
case $scheduler in local | slurm) ;; *) die "STEMMA_SCHEDULER is local or slurm, not '$scheduler'" ;; esac

# The tour calls the program by its name, as a reader would.
names=$(mktemp -d)
trap 'rm -rf "$names"' EXIT
ln -s "$(realpath "$program")" "$names/stemma"
export PATH=$names:$PATH STEMMA_SCHEDULER=$scheduler
export GOTOOLCHAIN=local GO111MODULE=off CGO_ENABLED=0
if ! git config user.email >/dev/null; then
  export GIT_AUTHOR_NAME="Ada Demo" GIT_AUTHOR_EMAIL=ada@example.org
  export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
fi

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  head=$'\e[1;36m' dim=$'\e[2m' cmd=$'\e[1m' off=$'\e[0m'
else
  head='' dim='' cmd='' off=''
fi
part=0
title() { part=$((part + 1)); printf '\n%s== %d. %s%s\n' "$head" "$part" "$1" "$off"; }
say() { printf '%s%s%s\n' "$dim" "$*" "$off"; }
# show COMMAND: print a command line and run it.
show() { printf '%s$ %s%s\n' "$cmd" "$1" "$off"; eval "$1"; }
# schedule ARGUMENTS: schedule a job on the scheduler of this tour.
schedule() { show "stemma schedule $1"; }
# finish COUNT: wait until COUNT more commits stand on the branch.
finish() {
  local want=$(($(git rev-list --count HEAD) + $1)) end=$((SECONDS + 90)) out
  show "stemma jobs"
  say "… now 'stemma finish', again and again, until nothing is open"
  while (($(git rev-list --count HEAD) < want)); do
    ((SECONDS < end)) || { stemma jobs; die "the jobs did not end in time"; }
    out=$(stemma finish 2>&1) || true
    grep -E '^save\(ok\)|\(error\)' <<<"$out" || true
    sleep 0.5
  done
}

title "A dataset: a git repository that can hold large files"
show "stemma create -c text2git '$folder'"
cd "$folder"
mkdir logs && touch logs/.gitkeep
cp -R "$here/code" code
say "The job scripts are plain sbatch scripts; they know nothing of Stemma."
show "cat code/simulate.sbatch"
show "stemma save -m 'Simulation and training code'"

title "Eight simulations, each with its declared outputs"
rhos=(24 26 30 32 34 36 38 40)
for rho in "${rhos[@]}"; do
  schedule "-i code/simulate.go -o sims/rho_$rho -m 'Lorenz at rho $rho' sbatch code/simulate.sbatch $rho sims/rho_$rho"
done
finish "${#rhos[@]}"

title "A training job that reads all eight"
inputs=""
for rho in "${rhos[@]}"; do inputs+=" -i sims/rho_$rho"; done
schedule "-i code/train.go$inputs -o model -m 'Surrogate of eight runs' 'sbatch code/train.sbatch model${inputs// -i/}'"
finish 1
show "cat model/metrics.json"
show "cat model/model.json"
say "(The law that was learned is the Lorenz system. The picture: $folder/model/fit.svg)"

title "The history says who made what"
show "git --no-pager log --oneline"
show "git --no-pager log -1 --format=%B"

title "Text lives in git, large content in the annex"
show "readlink sims/rho_24/trajectory.bin"
show "git ls-files -s sims/rho_24"
show "du -shL sims/rho_24/trajectory.bin"

title "Redo one simulation from its commit alone"
commit=$(git log --format=%h -n 1 -- sims/rho_30/trajectory.bin)
before=$(sha256sum sims/rho_30/trajectory.bin)
show "sha256sum sims/rho_30/trajectory.bin"
show "stemma reschedule $commit"
finish 1
show "sha256sum sims/rho_30/trajectory.bin"
after=$(sha256sum sims/rho_30/trajectory.bin)
[[ $before == "$after" ]] || die "the repeated simulation differs"
say "Bit-identical, and the commit says which one it repeats:"
show "git --no-pager log -1 --format=%B | grep -A 3 '\"chain\"'"

printf '\n%sDone in %d s. The dataset is %s%s\n' "$head" $((SECONDS - started)) "$PWD" "$off"
