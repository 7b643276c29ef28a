#!/usr/bin/env bash
# A Docker Engine of its own for sample-host.sh, on a machine that is called "laptop": Debian's docker.io in a chroot,
# with the engine's default paths, so that what it says about itself needs no touching up. Nothing of this machine's own
# Docker is used or changed. Run again, it starts what is already there.
#
# usage: engine.sh DIR            makes DIR (about 1 GB before any image), starts the engine, prints its DOCKER_HOST
#        engine.sh DIR COMMAND…   runs COMMAND where /var/run/docker.sock is that engine's
#
# Needs root, debootstrap and an apt source of Debian. To stop it: kill "$(cat DIR/run/docker.pid)".
set -euo pipefail
root=$(realpath -m "${1:?usage: engine.sh DIR [COMMAND…]}"); shift
sock=$root/run/docker.sock
alive() { curl -fsS -m 2 -o /dev/null --unix-socket "$sock" http://engine/_ping 2>/dev/null; }

if [ $# -gt 0 ]; then
  alive || { echo "no engine in $root: start it with $0 $root" >&2; exit 3; }
  exec unshare --mount --propagation private sh -c 'mount --bind "$0" /run && exec "$@"' "$root/run" "$@"
fi
alive && { echo "unix://$sock"; exit 0; }

if [ ! -x "$root/usr/sbin/dockerd" ]; then
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | awk '$1 ~ /\/debian\/?$/ {print $1; exit}')
  debootstrap --variant=minbase --include=docker.io,docker-cli,containerd,runc,tini,iptables,ca-certificates \
    sid "$root" "${mirror:?no apt source of Debian here}" >&2
fi
mkdir -p "$root/etc/docker" "$root/var/log"
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
# overlay2 of the graphdriver: its sizes are exact. No bridge and no packet filter: nothing here needs them.
cat >"$root/etc/docker/daemon.json" <<'J'
{"storage-driver": "overlay2", "features": {"containerd-snapshotter": false}, "bridge": "none", "iptables": false, "ip6tables": false}
J
rm -rf "$root"/run/docker* "$root"/run/containerd
# "/" of the chroot has to be a mount point: runc moves the root of its containers with pivot_root.
setsid -f unshare --mount --uts --propagation private sh -c '
  mount --bind "$0" "$0" && mount -t proc proc "$0/proc" && mount --rbind /sys "$0/sys" && mount --rbind /dev "$0/dev" &&
  hostname laptop && exec nice -n 10 chroot "$0" /usr/sbin/dockerd' "$root" >"$root/var/log/dockerd" 2>&1 </dev/null
for _ in $(seq 60); do alive && { echo "unix://$sock"; exit 0; }; sleep 0.5; done
echo "no engine on $sock after 30 s; its log: $root/var/log/dockerd" >&2
exit 3
