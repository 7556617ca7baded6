mkdir -p "$HOME/.config/datalad/procedures" extra
printf "echo user \$1 \$2\n" > "$HOME/.config/datalad/procedures/mine.sh"
printf "echo extra \$1 \$2\n" > extra/other.sh
datalad -f disabled create ds
cd ds
mkdir .datalad/procedures
printf "echo dataset\n" > .datalad/procedures/mine.sh
datalad -f disabled save
datalad run-procedure mine a
git config datalad.locations.extra-procedures "$WORK/extra"
datalad -c datalad.locations.extra-procedures="$WORK/extra" run-procedure other b
datalad create -c mine ../ds2
cd ..
datalad run-procedure mine outside
