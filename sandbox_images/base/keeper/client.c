/* Clients: what the host's side asks over the socket, and what it is sent. Every frame out is made from state when the
 * socket has room for it, so a client that never reads costs its own two buffers and nothing more. */
#define _GNU_SOURCE
#include "keeper.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static uint64_t number(const uint8_t *bytes, int width) {
    uint64_t value = 0;
    while (width--)
        value = value << 8 | *bytes++;
    return value;
}

static uint8_t *put(uint8_t *bytes, uint64_t value, int width) {
    for (int i = width - 1; i >= 0; i--, value >>= 8)
        bytes[i] = value & 0xff;
    return bytes + width;
}

/* The client that typed last; of those that never typed, the one that came first. Never one that only watches. */
struct client *controller(const struct terminal *terminal) {
    struct client *leader = NULL;
    for (int i = 0; i < CLIENTS; i++) {
        struct client *client = keeper.clients[i];
        if (client && client->terminal == terminal && !client->watching &&
            (!leader || client->typed > leader->typed))
            leader = client;
    }
    return leader;
}

/* Bytes between the acknowledged offset and the cursor that were never sent. */
uint64_t skipped(const struct client *client) {
    uint64_t bytes = 0;
    for (unsigned i = 0; i < client->jumped; i++)
        bytes += client->jumps[i].to - client->jumps[i].from;
    return bytes;
}

void accept_clients(int listener) {
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        struct ucred peer = {.pid = -1};
        socklen_t length = sizeof peer;
        struct client *client = MAP_FAILED;
        int slot = 0;
        while (slot < CLIENTS && keeper.clients[slot])
            slot++;
        /* A peer outside this pid namespace has no number in it; one inside has, and is the learner. */
        if (slot < CLIENTS && !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) && peer.pid == 0)
            client = mmap(NULL, sizeof *client, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (client == MAP_FAILED) {
            close(fd);
            continue;
        }
        madvise(client, sizeof *client, MADV_DONTFORK);
        client->watch = (struct watch){CLIENT, fd, 0};
        keeper.clients[slot] = client;
        watch(&client->watch, EPOLLIN);
    }
}

void drop(struct client *client) {
    struct terminal *terminal = client->terminal;
    for (int i = 0; i < CLIENTS; i++)
        if (keeper.clients[i] == client)
            keeper.clients[i] = NULL;
    if (terminal && !client->watching) {
        struct client *next = controller(terminal);
        if (next)
            set_size(terminal, next->cols, next->rows);
        else
            terminal->hold = client->acked > terminal->start ? client->acked : terminal->start;
    }
    watch(&client->watch, 0);
    close(client->watch.fd);
    munmap(client, sizeof *client);
    if (terminal)
        settle(terminal);
}

/* The terminal a client may join; NULL, with the reason noted, when it may not. */
static struct terminal *wanted(struct client *client, unsigned index) {
    if (keeper.open && !client->terminal && index >= 1 && index <= TERMINALS)
        return &keeper.terminals[index - 1];
    client->failure = !keeper.open ? "not open yet" : client->terminal ? "attached already" : "no such terminal";
    return NULL;
}

/* From now on the client is sent what the terminal says, from ``offset`` where the ring still holds it. */
static void join(struct client *client, struct terminal *terminal, uint64_t offset) {
    client->exits_seen = terminal->exits;
    client->hello_gap = offset < terminal->start ? terminal->start - offset : 0;
    if (offset < terminal->start || offset > terminal->end)
        offset = terminal->start;
    client->hello_offset = client->cursor = client->acked = offset;
    client->hello_due = true;
    client->terminal = terminal;
    open_window(client);
}

/* Leaves the terminal as it is: a shell that nobody started stays so, and a full ring does not wait for a watcher. */
static void watch_only(struct client *client, const uint8_t *wish) {
    struct terminal *terminal = wanted(client, wish[0]);
    if (!terminal)
        return;
    client->watching = true;
    join(client, terminal, number(wish + 1, 8));
    note_modes(terminal);
    client->modes_due = terminal->watch.fd >= 0;
}

static void attach(struct client *client, const uint8_t *wish) {
    uint16_t cols = number(wish + 9, 2), rows = number(wish + 11, 2);
    struct terminal *terminal = wanted(client, wish[0]);
    if (!terminal)
        return;
    if (!cols || !rows) {
        client->failure = "no size";
        return;
    }
    if (terminal->watch.fd < 0 && !start_shell(terminal, cols, rows)) {
        client->failure = "no process could be started";
        return;
    }
    if (!controller(terminal))
        set_size(terminal, cols, rows);
    client->cols = cols;
    client->rows = rows;
    join(client, terminal, number(wish + 1, 8));
    terminal->full_since_ms = 0;
    terminal->overwriting = false;
}

static void acknowledge(struct client *client, uint64_t offset) {
    unsigned kept = 0;
    uint64_t waiting = client->cursor - client->acked - skipped(client);
    if (offset > client->cursor)
        offset = client->cursor;
    for (unsigned i = 0; i < client->jumped; i++)
        if (offset >= client->jumps[i].from && offset < client->jumps[i].to)
            offset = client->jumps[i].to;
    if (offset <= client->acked)
        return;
    client->acked = offset;
    for (unsigned i = 0; i < client->jumped; i++)
        if (client->jumps[i].to > offset)
            client->jumps[kept++] = client->jumps[i];
    client->jumped = kept;
    tighten(client, waiting - (client->cursor - client->acked - skipped(client)));
}

static bool type_in(struct client *client, const uint8_t *data, size_t length) {
    if (!client->terminal || client->watching || length > INPUT_BYTES - client->input_length)
        return false;
    memcpy(client->input + client->input_length, data, length);
    client->input_length += length;
    if (controller(client->terminal) != client)
        set_size(client->terminal, client->cols, client->rows);
    client->typed = ++keeper.keystrokes;
    return true;
}

static bool resize(struct client *client, uint16_t cols, uint16_t rows) {
    if (!client->terminal || client->watching || !cols || !rows)
        return false;
    client->cols = cols;
    client->rows = rows;
    if (controller(client->terminal) == client)
        set_size(client->terminal, cols, rows);
    return true;
}

/* False when the client broke the protocol. */
static bool obey(struct client *client, uint8_t type, const uint8_t *payload, size_t length) {
    switch (type) {
    case GO:
        keeper.open = client->ready_due = true;
        return length == 0;
    case ATTACH:
        if (length == ATTACH_BYTES)
            attach(client, payload);
        return length == ATTACH_BYTES;
    case WATCH:
        if (length == WATCH_BYTES)
            watch_only(client, payload);
        return length == WATCH_BYTES;
    case INPUT:
        return type_in(client, payload, length);
    case RESIZE:
        return length == 4 && resize(client, number(payload, 2), number(payload + 2, 2));
    case ACK:
        if (length == 8 && client->terminal)
            acknowledge(client, number(payload, 8));
        return length == 8 && client->terminal;
    case OPEN:
        return open_way(client, payload, length);
    case STOP:
        stop_everything();
    default:
        return false;
    }
}

/* Takes every whole frame that arrived. A frame longer than the buffer is a broken client, not a bigger buffer. */
static bool take_frames(struct client *client) {
    size_t at = 0;
    while (client->in_length - at >= HEADER_BYTES) {
        size_t length = number(client->in + at + 1, 4);
        if (length > INPUT_BYTES)
            return false;
        if (client->in_length - at - HEADER_BYTES < length)
            break;
        if (!obey(client, client->in[at], client->in + at + HEADER_BYTES, length))
            return false;
        at += HEADER_BYTES + length;
    }
    client->in_length -= at;
    memmove(client->in, client->in + at, client->in_length);
    return true;
}

void read_client(struct client *client) {
    ssize_t got = recv(client->watch.fd, client->in + client->in_length, sizeof client->in - client->in_length, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        client->doomed = true;
        return;
    }
    client->in_length += got;
    if (!take_frames(client))
        client->doomed = true;
}

static bool compose(struct client *client, uint8_t type, const uint8_t *end) {
    client->out[0] = type;
    put(client->out + 1, end - client->out - HEADER_BYTES, 4);
    client->out_at = 0;
    client->out_length = end - client->out;
    return true;
}

static bool compose_word(struct client *client, uint8_t *body) {
    const struct terminal *terminal = client->terminal;
    if (client->failure) {
        size_t length = strlen(client->failure);
        memcpy(body, client->failure, length);
        return compose(client, FAILED, body + length);
    }
    if (client->ready_due) {
        client->ready_due = false;
        memcpy(body, keeper.epoch, EPOCH_BYTES);
        return compose(client, READY, body + EPOCH_BYTES);
    }
    if (client->hello_due) {
        client->hello_due = client->resized_due = false;
        memcpy(body, keeper.epoch, EPOCH_BYTES);
        body = put(put(body + EPOCH_BYTES, client->hello_offset, 8), client->hello_gap, 8);
        return compose(client, HELLO, put(put(body, terminal->cols, 2), terminal->rows, 2));
    }
    if (client->taken_due) {
        client->taken_due = false;
        client->told = client->taken;
        return compose(client, TAKEN, put(body, client->taken, 8));
    }
    if (client->resized_due) {
        client->resized_due = false;
        return compose(client, RESIZED, put(put(body, terminal->cols, 2), terminal->rows, 2));
    }
    if (client->modes_due) {
        client->modes_due = false;
        return compose(client, MODES, put(put(body, terminal->end, 8), terminal->modes, 1));
    }
    return false;
}

static bool compose_output(struct client *client, uint8_t *body) {
    const struct terminal *terminal = client->terminal;
    uint64_t unacknowledged = client->cursor - client->acked - skipped(client);
    uint64_t length = terminal->end - client->cursor;
    bool exit_untold = client->exits_seen != terminal->exits;
    if (exit_untold && client->cursor >= terminal->exit_at) {
        client->exits_seen = terminal->exits;
        return compose(client, EXIT, put(body, (uint32_t)terminal->code, 4));
    }
    if (window_is_full(client, unacknowledged))
        return false;
    if (client->cursor < terminal->start) {
        uint64_t to = terminal->end - terminal->start > WINDOW_BYTES ? terminal->end - WINDOW_BYTES : terminal->start;
        uint64_t missed = to - client->cursor;
        if (client->jumped == JUMPS)
            return false;
        client->jumps[client->jumped++] = (struct jump){client->cursor, to};
        client->cursor = to;
        return compose(client, GAP, put(put(body, to, 8), missed, 8));
    }
    if (exit_untold && length > terminal->exit_at - client->cursor)
        length = terminal->exit_at - client->cursor;
    if (length > client->window - unacknowledged)
        length = client->window - unacknowledged;
    if (length > CHUNK_BYTES)
        length = CHUNK_BYTES;
    if (!length)
        return false;
    body = put(body, client->cursor, 8);
    copy_out(terminal, client->cursor, body, length);
    client->cursor += length;
    return compose(client, OUTPUT, body + length);
}

void pump(struct client *client) {
    for (;;) {
        uint8_t *body = client->out + HEADER_BYTES;
        if (client->out_at < client->out_length) {
            ssize_t sent = send(client->watch.fd, client->out + client->out_at, client->out_length - client->out_at,
                                MSG_NOSIGNAL);
            if (sent < 0 && errno == EAGAIN) {
                watch(&client->watch, EPOLLIN | EPOLLOUT);
                return;
            }
            if (sent < 0 && errno != EINTR) {
                client->doomed = true;
                return;
            }
            client->out_at += sent > 0 ? sent : 0;
            continue;
        }
        if (client->failure && client->out_length && client->out[0] == FAILED) {
            client->doomed = true;
            return;
        }
        if (!compose_word(client, body) && !(client->terminal && compose_output(client, body)))
            break;
    }
    watch(&client->watch, EPOLLIN);
}
