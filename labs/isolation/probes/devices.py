"""Devices: what is in /dev, and what could be made there."""

from labs.isolation.probe import Area, Probe, guarded

HARMLESS = "null|zero|full|random|urandom|tty|console|ptmx|pts/.*"
ABSENT = (
    ("memory", "/dev/mem /dev/kmem /dev/port"),
    ("kernel-log", "/dev/kmsg"),
    ("virtual-machines", "/dev/kvm /dev/vhost-net /dev/vsock"),
    ("user-file-systems", "/dev/fuse /dev/cuse"),
    ("tunnels", "/dev/net/tun"),
    ("loop-devices", "/dev/loop-control /dev/loop0 /dev/mapper/control"),
    ("disks", "/dev/sda /dev/vda /dev/nvme0 /dev/nvme0n1"),
    ("input", "/dev/input/event0 /dev/uinput /dev/tty0 /dev/tty1"),
    ("sound-and-graphics", "/dev/snd /dev/dri /dev/fb0"),
)

AREA = Area(
    "devices",
    (
        Probe(
            "only-harmless-devices",
            "a device that is not among the harmless ones",
            f"same '' \"$(find /dev -type b -o -type c 2>/dev/null | sed 's,^/dev/,,' | grep -Evx '{HARMLESS}')\" devices",
            guards=guarded("not-privileged"),
        ),
        *(
            Probe(
                f"no-{key}",
                paths.replace(" ", ", "),
                f'for path in {paths}; do [ ! -e $path ] || broken "$path is there"; done',
            )
            for key, paths in ABSENT
        ),
        Probe(
            "make-a-disk",
            "a block device of one's own making",
            "refused 'not permitted' mknod /tmp/probe-disk b 8 0",
        ),
        Probe(
            "make-memory",
            "a character device of one's own making",
            "refused 'not permitted' mknod /tmp/probe-memory c 1 1",
        ),
        Probe("dev-writable", "a new file in /dev", "refused 'read-only|denied' touch /dev/probe"),
    ),
)
