#!/bin/sh
# Becomes process 1 of the namespaces it runs in: a systemd over a copy-on-write view of this system.
# $1 a folder of its own; $1/upper holds the files that are added. $2 the executable that stands at /usr/bin/sluice.
set -e
mount --make-rprivate /
# What is written goes to memory, and with the namespace.
mount -t tmpfs tmpfs "$1/mnt"
mkdir "$1/mnt/upper" "$1/mnt/work" "$1/mnt/root"
cp -a "$1/upper/." "$1/mnt/upper/"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/mnt/upper,workdir=$1/mnt/work" "$1/mnt/root"
cd "$1/mnt/root"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mkdir -p usr/bin run/lock
touch usr/bin/sluice
mount --bind "$2" usr/bin/sluice
mount -t tmpfs tmpfs tmp
pivot_root . mnt
cd /
umount -l mnt
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --unit=test.target --log-target=console --show-status=no
