/* Terminals: a PTY, the shell in it, and the ring of its last output. */
#define _GNU_SOURCE
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define SHELL_OOM_SCORE "800"
/* A read of a PTY yields 4 KiB at most: a chunk, and then whoever types has their turn. */
#define READS_A_TURN 4

static void append(struct terminal *terminal, const uint8_t *data, size_t length) {
    size_t at = terminal->end % RING_BYTES;
    size_t first = length < RING_BYTES - at ? length : RING_BYTES - at;
    memcpy(terminal->ring + at, data, first);
    memcpy(terminal->ring, data + first, length - first);
    terminal->end += length;
    if (terminal->end - terminal->start > RING_BYTES)
        terminal->start = terminal->end - RING_BYTES;
}

void copy_out(const struct terminal *terminal, uint64_t offset, uint8_t *into, size_t length) {
    size_t at = offset % RING_BYTES;
    size_t first = length < RING_BYTES - at ? length : RING_BYTES - at;
    memcpy(into, terminal->ring + at, first);
    memcpy(into + first, terminal->ring, length - first);
}

static char *variable(const char *name, const char *fallback) {
    static char kept[128];
    const char *value = getenv(name);
    snprintf(kept, sizeof kept, "%s=%s", name, value && *value ? value : fallback);
    return kept;
}

/* The way out, where the node has one, under the names that programs look for. */
static void add_proxy(char **environment, size_t size) {
    const char *const names[] = {"http_proxy=", "https_proxy=", "no_proxy="};
    size_t at = 0;
    while (environment[at])
        at++;
    for (char **known = environ; *known && at + 1 < size; known++)
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (!strncmp(*known, names[i], strlen(names[i])))
                environment[at++] = *known;
}

/* In the child: everything of the keeper is closed or about to be (close-on-exec) when this execs. */
static void become_shell(int slave) {
    uint64_t none = 0;
    char *arguments[] = {"keeper", "shell", NULL};
    char *environment[] = {
        "HOME=" HOME_PATH,
        "USER=learner",
        "LOGNAME=learner",
        "SHELL=/bin/bash",
        "TERM=xterm-256color",
        "COLORTERM=truecolor",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        variable("LANG", "C.UTF-8"),
        NULL, NULL, NULL, NULL,
    };
    add_proxy(environment, sizeof environment / sizeof *environment);
    setsid();
    ioctl(slave, TIOCSCTTY, 0);
    dup2(slave, 0);
    dup2(slave, 1);
    dup2(slave, 2);
    syscall(SYS_close_range, 3, ~0U, 0);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
    execve(SELF_PATH, arguments, environment);
    _exit(127);
}

/* Second stage of a start, in a fresh image that holds nothing of the keeper: only now may /proc/self be written, and
 * the kernel told to take the learner's programs before the keeper when memory runs out. */
void become_learner(void) {
    int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score >= 0) {
        (void)!write(score, SHELL_OOM_SCORE, strlen(SHELL_OOM_SCORE));
        close(score);
    }
    umask(022);
    if (chdir(HOME_PATH))
        (void)!chdir("/");
}

int run_shell(void) {
    become_learner();
    execl("/bin/bash", "-bash", "-l", (char *)NULL);
    execl("/bin/sh", "-sh", (char *)NULL);
    perror("no shell could be started");
    return 127;
}

void set_size(struct terminal *terminal, uint16_t cols, uint16_t rows) {
    struct winsize size = {.ws_row = rows, .ws_col = cols};
    if (!cols || !rows || (terminal->cols == cols && terminal->rows == rows))
        return;
    terminal->cols = cols;
    terminal->rows = rows;
    if (terminal->watch.fd >= 0)
        ioctl(terminal->watch.fd, TIOCSWINSZ, &size);
    for (int i = 0; i < CLIENTS; i++)
        if (keeper.clients[i] && keeper.clients[i]->terminal == terminal)
            keeper.clients[i]->resized_due = true;
}

static int open_pty(uint16_t cols, uint16_t rows, int *slave) {
    struct winsize size = {.ws_row = rows, .ws_col = cols};
    struct termios modes;
    int unlocked = 0;
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (master < 0)
        return -1;
    *slave = -1;
    if (!ioctl(master, TIOCSPTLCK, &unlocked))
        *slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (*slave < 0) {
        close(master);
        return -1;
    }
    ioctl(master, TIOCSWINSZ, &size);
    if (!tcgetattr(*slave, &modes)) {
        modes.c_iflag |= IUTF8;
        tcsetattr(*slave, TCSANOW, &modes);
    }
    return master;
}

/* False when the node has no process, descriptor or memory left for a shell. */
bool start_shell(struct terminal *terminal, uint16_t cols, uint16_t rows) {
    int slave, master;
    if (!terminal->ring) {
        void *ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (ring == MAP_FAILED)
            return false;
        madvise(ring, RING_BYTES, MADV_DONTFORK);
        madvise(ring, RING_BYTES, MADV_NOHUGEPAGE);
        terminal->ring = ring;
    }
    master = open_pty(cols, rows, &slave);
    if (master < 0)
        return false;
    terminal->shell = fork();
    if (terminal->shell == 0)
        become_shell(slave);
    close(slave);
    if (terminal->shell < 0) {
        terminal->shell = 0;
        close(master);
        return false;
    }
    terminal->watch.fd = master;
    terminal->watch.events = 0;
    terminal->reaped = false;
    terminal->modes = NOT_NOTED;
    set_size(terminal, cols, rows);
    return true;
}

void shell_ended(int pid, int status) {
    for (int i = 0; i < TERMINALS; i++) {
        struct terminal *terminal = &keeper.terminals[i];
        if (terminal->shell != pid || terminal->watch.fd < 0)
            continue;
        terminal->shell = 0;
        terminal->reaped = true;
        terminal->reaped_ms = now_ms();
        terminal->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        read_output(terminal);
        settle(terminal);
    }
}

static void hang_up(struct terminal *terminal) {
    watch(&terminal->watch, 0);
    close(terminal->watch.fd);
    terminal->watch.fd = -1;
    terminal->reaped = false;
    terminal->exit_at = terminal->end;
    terminal->exits++;
}

/* Whether what is typed is shown, and taken by the line: told to those who watch. Looked at before input is handed
 * over, so that a program which hides what is typed is noted before the first key of it. */
void note_modes(struct terminal *terminal) {
    struct termios modes;
    uint8_t now;
    bool watched = false;
    for (int i = 0; i < CLIENTS && !watched; i++)
        watched = keeper.clients[i] && keeper.clients[i]->terminal == terminal && keeper.clients[i]->watching;
    if (!watched || terminal->watch.fd < 0 || tcgetattr(terminal->watch.fd, &modes))
        return;
    now = (modes.c_lflag & ECHO ? ECHOES : 0) | (modes.c_lflag & ICANON ? CANONICAL : 0);
    if (now == terminal->modes)
        return;
    terminal->modes = now;
    for (int i = 0; i < CLIENTS; i++)
        if (keeper.clients[i] && keeper.clients[i]->terminal == terminal && keeper.clients[i]->watching)
            keeper.clients[i]->modes_due = true;
}

static bool attended(const struct terminal *terminal) {
    return controller(terminal) != NULL;
}

/* How many bytes may be read now. Follows the controlling client; with nobody attached a full ring stands for a
 * while, so that whoever comes back in time misses nothing. */
size_t reading_room(struct terminal *terminal) {
    const struct client *leader = controller(terminal);
    uint64_t unread;
    if (leader) {
        unread = terminal->end - leader->acked - skipped(leader);
        return unread < leader->window ? leader->window - unread : 0;
    }
    if (terminal->overwriting)
        return CHUNK_BYTES;
    unread = terminal->end - terminal->hold;
    if (unread < RING_BYTES)
        return RING_BYTES - unread;
    if (!terminal->full_since_ms)
        terminal->full_since_ms = now_ms();
    terminal->overwriting = now_ms() - terminal->full_since_ms >= keeper.stand_ms;
    return terminal->overwriting ? CHUNK_BYTES : 0;
}

int64_t next_deadline_ms(struct terminal *terminal) {
    int64_t deadline = INT64_MAX;
    if (terminal->reaped && reading_room(terminal))
        deadline = terminal->reaped_ms + DRAIN_MS;
    if (terminal->full_since_ms && !terminal->overwriting && !attended(terminal) &&
        terminal->full_since_ms + keeper.stand_ms < deadline)
        deadline = terminal->full_since_ms + keeper.stand_ms;
    return deadline;
}

void read_output(struct terminal *terminal) {
    static uint8_t chunk[CHUNK_BYTES];
    for (int turn = 0; turn < READS_A_TURN && terminal->watch.fd >= 0; turn++) {
        size_t room = reading_room(terminal);
        ssize_t got;
        if (!room)
            return;
        got = read(terminal->watch.fd, chunk, room < CHUNK_BYTES ? room : CHUNK_BYTES);
        if (got > 0) {
            append(terminal, chunk, got);
            if (terminal->reaped)
                terminal->reaped_ms = now_ms();
        } else if (got < 0 && errno == EINTR) {
            continue;
        } else if (got < 0 && errno == EAGAIN) {
            if (terminal->reaped && now_ms() - terminal->reaped_ms >= DRAIN_MS)
                hang_up(terminal);
            return;
        } else {
            if (terminal->reaped)
                hang_up(terminal);
            return;
        }
    }
}

void write_input(struct terminal *terminal) {
    for (int i = 0; i < CLIENTS; i++) {
        struct client *client = keeper.clients[i];
        ssize_t done;
        if (!client || client->terminal != terminal || !client->input_length)
            continue;
        done = client->input_length;
        if (terminal->watch.fd >= 0 && !terminal->reaped) {
            done = write(terminal->watch.fd, client->input, client->input_length);
            if (done < 0 && (errno == EAGAIN || errno == EINTR))
                continue;
            if (done < 0)
                done = client->input_length;
        }
        client->input_length -= done;
        memmove(client->input, client->input + done, client->input_length);
        client->taken += done;
        /* Told now and then: a word for every key would wake the reader before the echo does. */
        client->taken_due = client->taken - client->told >= UNTOLD_BYTES;
    }
}
