/* Runs one script for the host's side: read from standard input, kept in memory only, ended when its time is up, its
 * last output told. Usage: runner SECONDS SCRIPT_BYTES OUTPUT_BYTES keep|tidy [SHELL]
 *
 * Output goes through a pipe of our own, so that what a script leaves running does not hold the caller. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TIMED_OUT 124
#define FAILED 125
#define SCRIPT_FD 3
#define HOME_PATH "/home/learner"
#define SHELL "/bin/sh"
#define SWEEPS 1000

/* Only there so that a child's end interrupts ppoll. */
static void on_child(int number) {
    (void)number;
}

static void die(const char *what) {
    perror(what);
    exit(FAILED);
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void write_all(int fd, const char *data, size_t length) {
    while (length) {
        ssize_t done = write(fd, data, length);
        if (done < 0 && errno != EINTR)
            return;
        if (done > 0) {
            data += done;
            length -= done;
        }
    }
}

/* The shell closes the script's descriptor in its first command, so that nothing it starts can read the script. */
static int take_script(size_t length) {
    static const char closing[] = "exec 3<&-;";
    char chunk[4096];
    int fd = memfd_create("script", MFD_CLOEXEC);
    if (fd < 0)
        die("memfd_create");
    write_all(fd, closing, sizeof closing - 1);
    while (length) {
        ssize_t got = read(0, chunk, length < sizeof chunk ? length : sizeof chunk);
        if (got <= 0)
            die("the script did not arrive whole");
        write_all(fd, chunk, got);
        length -= got;
    }
    return fd;
}

static void become_script(const char *shell, int script, int output) {
    sigset_t none;
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGCHLD, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setsid();
    script = fcntl(script, F_DUPFD_CLOEXEC, 20);
    output = fcntl(output, F_DUPFD_CLOEXEC, 20);
    dup2(nothing, 0);
    dup2(output, 1);
    dup2(output, 2);
    dup2(script, SCRIPT_FD);
    if (chdir(HOME_PATH))
        (void)!chdir("/");
    execl(shell, "sh", "/proc/self/fd/3", (char *)NULL);
    _exit(127);
}

/* Everything the script started and that is still there, also what left its session: it all comes back to us. */
static void kill_descendants(void) {
    char path[64], line[4096];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        FILE *children = fopen(path, "re");
        char *cursor = line, *next;
        long pid;
        if (!children)
            return;
        if (!fgets(line, sizeof line, children))
            line[0] = '\0';
        fclose(children);
        if (!*line)
            return;
        for (pid = strtol(cursor, &next, 10); next != cursor; pid = strtol(cursor, &next, 10)) {
            /* Waited for one by one: what this one leaves to us is not killed before the next look. */
            if (!kill(pid, SIGKILL))
                waitpid(pid, NULL, 0);
            cursor = next;
        }
    }
}

struct tail {
    char *bytes;
    size_t room, total;
};

static ssize_t drain(int fd, struct tail *tail) {
    char chunk[16384];
    ssize_t got = read(fd, chunk, sizeof chunk);
    for (ssize_t i = 0; i < got; i++)
        tail->bytes[tail->total++ % tail->room] = chunk[i];
    return got;
}

static void tell(const struct tail *tail) {
    size_t at = tail->total % tail->room;
    if (tail->total > tail->room)
        write_all(1, tail->bytes + at, tail->room - at);
    write_all(1, tail->bytes, tail->total > tail->room ? at : tail->total);
}

/* The script's wait status, or -1 when its time was up. */
static int follow(int pid, int output, int64_t deadline, struct tail *tail) {
    struct pollfd watched = {.fd = output, .events = POLLIN};
    sigset_t blocked, waiting;
    int status = 0;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, &waiting);
    for (;;) {
        int64_t left = deadline - now_ms();
        struct timespec patience = {left / 1000, left % 1000 * 1000000};
        if (waitpid(pid, &status, WNOHANG) == pid)
            break;
        if (left <= 0)
            return -1;
        if (ppoll(&watched, 1, &patience, &waiting) > 0 && drain(output, tail) == 0)
            watched.fd = -1;
    }
    fcntl(output, F_SETFL, O_NONBLOCK);
    while (drain(output, tail) > 0)
        ;
    return status;
}

int main(int count, char **arguments) {
    int output[2], script, pid, status;
    struct tail tail = {0};
    if (count != 5 && count != 6)
        return FAILED;
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    tail.room = strtoul(arguments[3], NULL, 10);
    tail.bytes = malloc(tail.room);
    script = take_script(strtoul(arguments[2], NULL, 10));
    signal(SIGCHLD, on_child);
    if (!tail.room || !tail.bytes || pipe2(output, O_CLOEXEC))
        die("runner");
    pid = fork();
    if (pid == 0)
        become_script(count == 6 ? arguments[5] : SHELL, script, output[1]);
    if (pid < 0)
        die("fork");
    close(script);
    close(output[1]);
    status = follow(pid, output[0], now_ms() + strtoll(arguments[1], NULL, 10) * 1000, &tail);
    if (status < 0)
        kill(-pid, SIGKILL);
    if (status < 0 || !strcmp(arguments[4], "tidy"))
        kill_descendants();
    tell(&tail);
    if (status < 0)
        return TIMED_OUT;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
