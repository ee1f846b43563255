/* PID 1: signals, the loop, and the order of things at the start. */
#define _GNU_SOURCE
#include "keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct keeper keeper;

int64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

int64_t now_ms(void) {
    return now_us() / 1000;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

/* Watching for nothing means not watching: a hung up PTY would otherwise wake the loop without end. */
void watch(struct watch *watched, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = watched};
    int operation = !watched->events ? EPOLL_CTL_ADD : !events ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    if (watched->events == events || watched->fd < 0)
        return;
    watched->events = events;
    epoll_ctl(keeper.epoll, operation, watched->fd, &event);
}

/* After anything changed: everybody of this terminal is sent what may be sent, and the PTY watched accordingly. */
void settle(struct terminal *terminal) {
    uint32_t events = 0;
    note_modes(terminal);
    write_input(terminal);
    for (int i = 0; i < CLIENTS; i++) {
        struct client *client = keeper.clients[i];
        if (client && client->terminal == terminal) {
            if (!client->doomed)
                pump(client);
            if (client->input_length)
                events |= EPOLLOUT;
        }
    }
    if (reading_room(terminal))
        events |= EPOLLIN;
    watch(&terminal->watch, events);
}

void stop_everything(void) {
    kill(-1, SIGKILL);
    exit(0);
}

static void take_signals(int fd) {
    struct signalfd_siginfo told;
    int status, pid;
    while (read(fd, &told, sizeof told) == sizeof told) {
        /* Only a signal from outside this pid namespace comes from nobody; rt_sigqueueinfo could forge the sender
         * but not the code. */
        bool from_outside = told.ssi_code == SI_USER && told.ssi_pid == 0;
        if (from_outside && (told.ssi_signo == SIGTERM || told.ssi_signo == SIGINT))
            stop_everything();
    }
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        shell_ended(pid, status);
}

static int listen_here(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET_PATH};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    umask(0177);
    unlink(SOCKET_PATH);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, CLIENTS))
        die(SOCKET_PATH);
    umask(022);
    return fd;
}

static void remove_doomed(void) {
    for (bool again = true; again;) {
        again = false;
        for (int i = 0; i < CLIENTS; i++)
            if (keeper.clients[i] && keeper.clients[i]->doomed) {
                drop(keeper.clients[i]);
                again = true;
            }
    }
}

static void serve(struct watch *watched, uint32_t events) {
    struct terminal *terminal = (struct terminal *)watched;
    struct client *client = (struct client *)watched;
    switch (watched->kind) {
    case LISTENER:
        accept_clients(watched->fd);
        return;
    case SIGNALS:
        take_signals(watched->fd);
        return;
    case TERMINAL:
        read_output(terminal);
        settle(terminal);
        return;
    case CLIENT:
        if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            read_client(client);
        if (client->terminal)
            settle(client->terminal);
        else if (!client->doomed)
            pump(client);
        return;
    }
}

/* When something is due without an event; INT64_MAX when nothing is. */
static int64_t next_due_us(void) {
    int64_t nearest = INT64_MAX;
    for (int i = 0; i < TERMINALS; i++) {
        int64_t deadline = next_deadline_ms(&keeper.terminals[i]);
        if (deadline != INT64_MAX && deadline * 1000 < nearest)
            nearest = deadline * 1000;
    }
    for (int i = 0; i < CLIENTS; i++)
        if (keeper.clients[i] && next_look_us(keeper.clients[i]) < nearest)
            nearest = next_look_us(keeper.clients[i]);
    return nearest;
}

static int patience_ms(int64_t due_us) {
    int64_t left = due_us - now_us();
    return left <= 0 ? 1 : (left + 999) / 1000;
}

/* What is due without an event, though events may never pause. */
static void look_after_everything(void) {
    for (int i = 0; i < CLIENTS; i++)
        if (keeper.clients[i])
            loosen(keeper.clients[i]);
    for (int i = 0; i < TERMINALS; i++) {
        read_output(&keeper.terminals[i]);
        settle(&keeper.terminals[i]);
    }
}

static void keep(void) {
    for (;;) {
        /* One event at a time: serving one may drop a client that another event of the same batch points to. */
        struct epoll_event event;
        int64_t due_us = next_due_us();
        int count = epoll_wait(keeper.epoll, &event, 1, due_us == INT64_MAX ? -1 : patience_ms(due_us));
        if (count == 1)
            serve(event.data.ptr, event.events);
        else if (count < 0 && errno != EINTR)
            die("epoll_wait");
        if (due_us != INT64_MAX && now_us() >= due_us)
            look_after_everything();
        remove_doomed();
    }
}

int main(int count, char **arguments) {
    const char *stand = getenv("YUNLIAN_STAND_S"), *egress = getenv("YUNLIAN_EGRESS");
    uint64_t all = ~0ULL;
    sigset_t every;
    struct watch listener = {.kind = LISTENER}, signals = {.kind = SIGNALS};

    if (count == 2 && !strcmp(arguments[1], "shell"))
        return run_shell();
    if (count == 2 && !strcmp(arguments[1], "files"))
        return run_files();
    if (getpid() != 1) {
        fprintf(stderr, "the keeper is PID 1 of a node and nothing else\n");
        return 64;
    }
    /* The C library keeps three signals to itself; the raw call blocks those too. */
    if (prctl(PR_SET_DUMPABLE, 0) || syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof all))
        die("the keeper cannot protect itself");
    keeper.stand_ms = (stand && *stand ? strtoll(stand, NULL, 10) : 60) * 1000;
    for (int i = 0; i < TERMINALS; i++)
        keeper.terminals[i].watch = (struct watch){TERMINAL, -1, 0};
    if (getrandom(keeper.epoch, EPOCH_BYTES, 0) != EPOCH_BYTES)
        die("getrandom");
    sigfillset(&every);
    keeper.epoll = epoll_create1(EPOLL_CLOEXEC);
    signals.fd = signalfd(-1, &every, SFD_CLOEXEC | SFD_NONBLOCK);
    listener.fd = listen_here();
    /* Before any program of the learner's could take the port. */
    keeper.egress = egress && *egress ? listen_for_egress() : -1;
    if (keeper.epoll < 0 || signals.fd < 0 || (egress && *egress && keeper.egress < 0))
        die("the keeper cannot listen");
    watch(&signals, EPOLLIN);
    watch(&listener, EPOLLIN);
    keep();
}
