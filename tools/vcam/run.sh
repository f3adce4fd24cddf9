#!/bin/bash
# Boot a stock Debian kernel in qemu, load the virtual camera driver (vivid),
# run one command there, pass on its output and its exit status.
#
#   run.sh [option...] -- COMMAND [ARG...]
#
#   -f SRC[=DEST]     put a host file or folder into the guest (default DEST: /t/NAME);
#                     shared libraries that an ELF program needs come along
#   -v OPTIONS        vivid's module options; "none" leaves vivid unloaded
#   -M "MOD OPTS"     load another module first (repeatable)
#   -b COMMAND        start this shell line in the background before the command (repeatable)
#   -p HOST:GUEST     forward 127.0.0.1:HOST to a TCP port of the guest (repeatable)
#   -a auto|kvm|tcg   accelerator (auto: kvm where it works, else tcg)
#   -m MIB  -s CPUS   guest memory and processors
#   -t SECONDS        give up after this long (exit status 124)
#   -l FILE           keep the kernel log and init's log here
#
# One COMMAND argument is a shell line (busybox sh); several are taken literally.
# Exit status: the command's; 125 when the guest ended without reporting one.
# Needs: qemu-system-x86, busybox-static (apt); apt-get fetches the kernel once, into .tools/vcam.
set -euo pipefail

cache=${VCAM_CACHE:-$(cd "$(dirname "$0")/../.." && pwd)/.tools/vcam}
top_modules=(virtio_pci virtio_console virtio_net vivid snd-aloop snd-dummy
             uvcvideo dummy_hcd libcomposite usb_f_uvc gadgetfs vhci-hcd snd-usb-audio)
vivid='n_devs=1 node_types=0x1 num_inputs=1 input_types=0x0'
accel=auto mem=256 cpus=2 limit=300 log=/dev/null
files=() mods=() background=() nic=user,model=virtio-net-pci

die() { echo "run.sh: $*" >&2; exit 125; }

while getopts f:v:M:b:p:a:m:s:t:l: opt; do
  case $opt in
    f) files+=("$OPTARG") ;;
    v) vivid=$OPTARG ;;
    M) mods+=("$OPTARG") ;;
    b) background+=("$OPTARG") ;;
    p) nic+=",hostfwd=tcp:127.0.0.1:${OPTARG%%:*}-:${OPTARG##*:}" ;;
    a) accel=$OPTARG ;;
    m) mem=$OPTARG ;;
    s) cpus=$OPTARG ;;
    t) limit=$OPTARG ;;
    l) log=$OPTARG ;;
    *) exit 125 ;;
  esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || die "no command given"
bb=$(command -v busybox) || die "busybox-static is not installed"
command -v qemu-system-x86_64 >/dev/null || die "qemu-system-x86 is not installed"

pack() { (cd "$1" && find . | "$bb" cpio -o -H newc 2>/dev/null); }

write_init() {
  cat > "$1" <<'INIT'
#!/bin/sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin:/t HOME=/tmp
/bin/busybox mkdir -p /proc /sys /dev /tmp /run
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev 2>/dev/null
/bin/busybox --install -s /bin
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts; mount -t tmpfs shm /dev/shm
exec </dev/null >/dev/ttyS0 2>&1
echo "vcam: userspace at $(cut -d' ' -f1 /proc/uptime) s"
for m in virtio_pci virtio_console virtio_net; do modprobe $m || echo "vcam: no $m"; done
port() { for p in /sys/class/virtio-ports/*; do
  [ "$(cat "$p/name" 2>/dev/null)" = "$1" ] && echo "/dev/${p##*/}"; done; }
n=0
until [ -e "$(port out)" ] && [ -e "$(port rc)" ]; do
  n=$((n + 1)); [ $n -gt 200 ] && break; usleep 20000
done
ip link set lo up
ip link set eth0 up && ip addr add 10.0.2.15/24 dev eth0 && ip route add default via 10.0.2.2
. /t/.setup
echo "vcam: command starts at $(cut -d' ' -f1 /proc/uptime) s"
cd /t
setsid sh /t/.command >"$(port out)" 2>&1
rc=$?
echo "vcam: command ended with $rc at $(cut -d' ' -f1 /proc/uptime) s"
echo $rc >"$(port rc)"
sync
poweroff -f
INIT
  chmod +x "$1"
}

# The ELF kernel inside a bzImage: emulated, its own unpacking would take seconds.
unpack_kernel() {
  local sects off len
  sects=$(od -An -tu1 -j497 -N1 "$1") off=$(od -An -tu4 -j584 -N4 "$1") len=$(od -An -tu4 -j588 -N4 "$1")
  dd if="$1" of="$2.packed" bs=1M iflag=skip_bytes,count_bytes status=none \
     skip=$(((sects + 1) * 512 + off)) count=$((len))
  case $(od -An -tx1 -N4 "$2.packed" | tr -d ' ') in
    fd377a58) xz -dc --single-stream "$2.packed" ;;
    28b52ffd) zstd -dcq "$2.packed" ;;
    *) cat "$1" ;;
  esac > "$2"
}

# The kernel and an initramfs of busybox, init and the modules, made once.
make_base() {
  local work pkg ver m dep
  work=$(mktemp -d)
  pkg=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: *\(linux-image-[0-9]\S*\).*/\1/p' | head -1)
  [ -n "$pkg" ] || die "apt knows no linux-image-amd64 (apt-get update?)"
  ver=${pkg#linux-image-}
  (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$pkg" && dpkg -x "$pkg"_*.deb k) >&2
  local tree=$work/k/lib/modules/$ver keep=$work/root/lib/modules/$ver
  "$bb" depmod -b "$work/k" "$ver"
  for m in "${top_modules[@]}"; do
    dep=$(sed -n "s#^\(\S*/${m//[-_]/[-_]}\.ko\S*\): *\(.*\)#\1 \2#p" "$tree/modules.dep")
    [ -n "$dep" ] || { echo "run.sh: $pkg has no module $m" >&2; continue; }
    for d in $dep; do install -D -m 644 "$tree/$d" "$keep/$d"; done
  done
  "$bb" depmod -b "$work/root" "$ver"
  mkdir -p "$work/root/bin"
  cp "$bb" "$work/root/bin/busybox"
  ln -s busybox "$work/root/bin/sh"
  write_init "$work/root/init"
  pack "$work/root" > "$work/base.cpio"
  mkdir -p "$cache"
  unpack_kernel "$work/k/boot/vmlinuz-$ver" "$work/kernel"
  mv "$work/kernel" "$cache/kernel"
  mv "$work/base.cpio" "$cache/base.cpio"
  echo "$ver" > "$cache/version"
  rm -rf "$work"
  echo "$1" > "$cache/stamp"
}

stamp=$(sha256sum < "$0" | cut -c1-16)
mkdir -p "$cache"
exec 9> "$cache/lock"; flock 9
[ "$(cat "$cache/stamp" 2>/dev/null)" = "$stamp" ] || make_base "$stamp"
exec 9>&-

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root/t"

# A file or folder, and what the loader would look for on its behalf.
add() {
  local src=$1 dest=$2 f lib
  mkdir -p "$work/root$(dirname "$dest")"
  cp -rL "$src" "$work/root$dest"
  # What a debugger needs makes up most of a test build, and has to fit into the guest's memory.
  if [ -f "$src" ] && command -v strip >/dev/null; then strip -S "$work/root$dest" 2>/dev/null || true; fi
  while IFS= read -r f; do
    [ "$(head -c4 "$f" | tr -d '\0')" = $'\x7fELF' ] || continue
    for lib in $(ldd "$f" 2>/dev/null | grep -o '/[^ ]*'); do
      [ -e "$work/root$lib" ] || { mkdir -p "$work/root${lib%/*}"; cp -L "$lib" "$work/root$lib"; }
    done
  done < <(find "$src" -follow -type f)
}
for f in "${files[@]}"; do
  case $f in
    *=*) add "${f%%=*}" "${f#*=}" ;;
    *) add "$f" "/t/$(basename "$f")" ;;
  esac
done
{
  for m in "${mods[@]}"; do echo "modprobe $m"; done
  [ "$vivid" = none ] || echo "modprobe vivid $vivid"
  for b in "${background[@]}"; do printf '(cd /t; %s) >/dev/ttyS0 2>&1 &\n' "$b"; done
} > "$work/root/t/.setup"
if [ $# -eq 1 ]; then printf '%s\n' "$1"; else
  for a in "$@"; do printf "'%s' " "${a//\'/\'\\\'\'}"; done; echo
fi > "$work/root/t/.command"

{ cat "$cache/base.cpio"; pack "$work/root"; } > "$work/initrd"

# /dev/kvm may be there and yet run no ordinary kernel (a paravirtual-only KVM in a
# cloud guest), so believe only a boot, once per boot of this machine.
if [ "$accel" = auto ]; then
  accel=tcg
  if [ -w /dev/kvm ]; then
    boot=$(cat /proc/sys/kernel/random/boot_id)
    [ -f "$cache/accel" ] && read -r seen accel < "$cache/accel"
    if [ "${seen:-}" != "$boot" ]; then
      accel=tcg
      "$0" -a kvm -t 15 -v none -- true >/dev/null 2>&1 && accel=kvm
      echo "$boot $accel" > "$cache/accel"
    fi
  fi
fi
case $accel in
  kvm) cpu=max,-arch-capabilities ;;
  *) cpu=qemu64 ;;
esac
status=0
timeout --foreground -k 5 "$limit" qemu-system-x86_64 -accel "$accel" -cpu "${VCAM_CPU:-$cpu}" -m "$mem" -smp "$cpus" \
  -nodefaults -no-user-config -display none -no-reboot \
  -kernel "$cache/kernel" -initrd "$work/initrd" \
  -append "console=ttyS0 quiet panic=-1 ${VCAM_APPEND:-}" \
  -serial "file:$log" -nic "$nic" -device virtio-serial-pci \
  -chardev file,id=out,path=/dev/stdout -device virtserialport,chardev=out,name=out \
  -chardev "file,id=rc,path=$work/rc" -device virtserialport,chardev=rc,name=rc \
  </dev/null | cat || status=$?
[ "$status" -ne 124 ] || exit 124
rc=$(tr -cd 0-9 < "$work/rc" 2>/dev/null || true)
exit "${rc:-125}"
