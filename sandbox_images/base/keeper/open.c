/* Ways into and out of the node that are handed to the host's side and then left alone: a connection to a port of the
 * node, the standard input and output of the program that reads and writes the learner's files, or the socket on which
 * the node's programs ask for the way out. The keeper opens and passes the descriptor over its socket, so none costs it
 * a buffer or a turn of its loop. */
#define _GNU_SOURCE
#include "keeper.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PYTHON_PATH "/usr/bin/python3"
#define FILES_PATH "/usr/lib/yunlian/files.py"
#define LONGEST_S 900

enum { TO_PORT = 1, TO_FILES = 2, TO_EGRESS = 3, PORT_BYTES = 7 };

/* On its way to a port of this node: an address that is not one of its own cannot be bound, so nothing else is reached.
 * The other side waits for the connection's end of the story. */
static int to_port(const uint8_t *wish) {
    struct sockaddr_in target = {.sin_family = AF_INET}, source = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    memcpy(&target.sin_addr, wish, 4);
    memcpy(&target.sin_port, wish + 4, 2);
    source.sin_addr = target.sin_addr;
    if (fd >= 0 && !bind(fd, (struct sockaddr *)&source, sizeof source) &&
        (!connect(fd, (struct sockaddr *)&target, sizeof target) || errno == EINPROGRESS))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void become_files(int door) {
    uint64_t none = 0;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    char *arguments[] = {"keeper", "files", NULL};
    char *environment[] = {"HOME=" HOME_PATH, "PATH=/usr/bin:/bin", "LANG=C.UTF-8", NULL};
    setsid();
    dup2(door, 0);
    dup2(door, 1);
    dup2(nothing, 2);
    syscall(SYS_close_range, 3, ~0U, 0);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
    execve(SELF_PATH, arguments, environment);
    _exit(127);
}

int run_files(void) {
    become_learner();
    alarm(LONGEST_S);
    /* -I: neither the environment nor the folder it starts in has a say in what the program imports. */
    execl(PYTHON_PATH, "python3", "-I", "-S", "-B", FILES_PATH, (char *)NULL);
    return 127;
}

static int to_files(void) {
    int ends[2], pid;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return -1;
    pid = fork();
    if (pid == 0)
        become_files(ends[1]);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return -1;
    }
    return ends[0];
}

/* On the loopback alone: who wants out is a program of this very node. */
int listen_for_egress(void) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(EGRESS_PORT)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && !bind(fd, (struct sockaddr *)&here, sizeof here) && !listen(fd, EGRESS_WAITING))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static int to_egress(void) {
    return keeper.egress < 0 ? -1 : fcntl(keeper.egress, F_DUPFD_CLOEXEC, 0);
}

static const char *refusal(uint8_t wish) {
    switch (wish) {
    case TO_PORT:
        return "nothing listens there";
    case TO_FILES:
        return "no process could be started";
    default:
        return "this node has no way out";
    }
}

static bool hand_over(const struct client *client, int fd) {
    uint8_t frame[HEADER_BYTES] = {OPENED};
    struct iovec part = {frame, sizeof frame};
    union {
        struct cmsghdr head;
        uint8_t room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    return sendmsg(client->watch.fd, &message, MSG_NOSIGNAL) == sizeof frame;
}

/* The only wish of its connection. False when the client broke the protocol. */
bool open_way(struct client *client, const uint8_t *wish, size_t length) {
    int fd;
    if (!length || client->terminal || client->out_length || wish[0] < TO_PORT || wish[0] > TO_EGRESS ||
        length != (wish[0] == TO_PORT ? PORT_BYTES : 1))
        return false;
    if (!keeper.open) {
        client->failure = "not open yet";
        return true;
    }
    fd = wish[0] == TO_PORT ? to_port(wish + 1) : wish[0] == TO_FILES ? to_files() : to_egress();
    if (fd < 0) {
        client->failure = refusal(wish[0]);
        return true;
    }
    /* Whoever has the way out keeps the connection: its end tells that the node has ended. */
    client->doomed = !hand_over(client, fd) || wish[0] != TO_EGRESS;
    close(fd);
    return true;
}
