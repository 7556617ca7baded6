datalad create -c text2git ds
cd ds
echo typed | datalad run "cat > got; echo \$0 >> got; basename \$PWD >> got"
cat got
