#!/usr/bin/env bash
# A folder with Debian 13 and its Docker 26.1, to start a dockerd with a containerd image store in (chroot; needs root).
# Usage: debian-13.sh [FOLDER]. Prints the folder. Made once, in about a minute; afterwards it is only mounted.
set -euo pipefail
root=${1:-${LAYERSCOPE_DEBIAN_13:-/var/tmp/layerscope-debian-13}}
exec 9>"$root.lock"
flock 9 # two test processes ask at once

if [ ! -x "$root/usr/sbin/dockerd" ]; then
  if ! command -v debootstrap >/dev/null; then
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -yqq --no-install-recommends debootstrap >&2
  fi
  # The mirror that this machine uses itself.
  mirror=$({ cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null || true; } |
    awk '/^URIs:/ {print $2; exit} /^deb / {for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) {print $i; exit}}')
  [ -n "$mirror" ] || { echo "debian-13.sh: no mirror in this machine's apt sources" >&2; exit 1; }
  rm -rf "$root.part"
  debootstrap --variant=minbase \
    --include=docker.io,docker-cli,containerd,runc,tini,iptables,ca-certificates \
    trixie "$root.part" "$mirror" >"$root.log" 2>&1 || { tail -5 "$root.log" >&2; exit 1; }
  mv "$root.part" "$root"
fi

# pivot_root wants "/" to be a mount point
mountpoint -q "$root" || { mount --bind "$root" "$root" && mount --make-private "$root"; }
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
mountpoint -q "$root/sys" || mount --rbind /sys "$root/sys"
mountpoint -q "$root/dev" || mount --rbind /dev "$root/dev"
echo "$root"
