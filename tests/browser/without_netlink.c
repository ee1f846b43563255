/* Preloaded into the tests' Chromium. A browser on the host that starts sandboxes hears by netlink of every bridge and
 * address that comes and goes, and drops what it is loading (net::ERR_NETWORK_CHANGED): a learner elsewhere never
 * sees that. Without netlink it hears nothing. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int socket(int domain, int type, int protocol) {
    if (domain == AF_NETLINK) {
        errno = EPERM;
        return -1;
    }
    return syscall(SYS_socket, domain, type, protocol);
}
