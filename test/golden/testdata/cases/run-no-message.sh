datalad create -c text2git ds
cd ds
datalad run 'echo 0123456789012345678901234567890123456789 > w'
datalad run "printf 'üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü' > ü"
datalad run $'echo a > multi\necho b >> multi'
