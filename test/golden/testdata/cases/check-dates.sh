datalad -f disabled create ds
cd ds
echo 1 > f
datalad -f disabled save -m f
git tag -a -m first v1
git tag light
datalad check-dates --annex none --no-tags --rev HEAD^
datalad check-dates --rev HEAD | sed -E 's/[0-9a-f]{40}/ID/; s/: 1[0-9]{9}/: TIME/; s/ 1[0-9]{9}$/ TIME/; s/,$//' | sort
datalad check-dates --older
datalad -f json check-dates -D @1700000000 --annex none
datalad -f json check-dates -D @1699999999 --annex none --no-tags --rev HEAD^
datalad -f json check-dates -D @1700000001 --older --annex none --rev HEAD^ | tr '{}' '\n\n' | sed -E 's/[0-9a-f]{40}/ID/' | sort
datalad -f json check-dates -D @4000000000 --annex tree --older --rev light | tr '{' '\n' | grep -c annex-blob
datalad -f json check-dates -D @4000000000 --annex all --older | tr '{' '\n' | grep -c annex-blob
datalad check-dates --annex some
git init -q ../empty
datalad -f json check-dates --annex none ../empty ../nosuch
datalad -f generic check-dates --annex none
cd ..
mkdir -p broken/.git
datalad -f json check-dates --no-tags --rev HEAD -D @1700000000 --annex none broken ds
rm -r broken
git -C ds tag -d v1 > /dev/null
