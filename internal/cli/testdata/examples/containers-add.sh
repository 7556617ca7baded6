stemma -f disabled create ds
cd ds
mkdir rootfs
echo image | tee image.sif > tools.tar
echo file > rootfs/file
# packs folders where the program is not installed
if ! command -v mksquashfs > /dev/null; then
  mkdir ../fake
  printf '#!/bin/sh\n: > "$2"\n' > ../fake/mksquashfs
  chmod +x ../fake/mksquashfs
  PATH=$PATH:$PWD/../fake
fi
