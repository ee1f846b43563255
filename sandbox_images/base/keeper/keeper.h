/* The keeper: PID 1 of a node. It owns the terminals and keeps their last output for whoever attaches from the host.
 * docs/keeper-protocol.md describes what it speaks; docs/isolation.md why it holds against the learner. */
#ifndef KEEPER_H
#define KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOCKET_PATH "/run/keeper/keeper.sock"
#define SELF_PATH "/usr/lib/yunlian/keeper"
#define HOME_PATH "/home/learner"

enum {
    RING_BYTES = 2 * 1024 * 1024,
    WINDOW_BYTES = 256 * 1024,      /* most that is sent beyond the last acknowledgement */
    FIRST_WINDOW_BYTES = 32 * 1024, /* as much to begin with, and to a viewer that acknowledges at once */
    QUICK_US = 1000,                /* an acknowledgement that was waited for less leaves no reason to send ahead */
    SLOW_US = 2000,
    LONGEST_LOOK_US = 1000 * 1000,
    UNTOLD_BYTES = 4 * 1024,
    CHUNK_BYTES = 16 * 1024,
    INPUT_BYTES = 16 * 1024,
    HEADER_BYTES = 5,
    EPOCH_BYTES = 16,
    TERMINALS = 8,
    CLIENTS = 32,
    JUMPS = 16,
    ATTACH_BYTES = 13,
    WATCH_BYTES = 9,
    DRAIN_MS = 200,
    EGRESS_PORT = 3128,
    EGRESS_WAITING = 64,
};

enum frame {
    GO = 0x01,
    ATTACH = 0x02,
    INPUT = 0x03,
    RESIZE = 0x04,
    ACK = 0x05,
    STOP = 0x06,
    WATCH = 0x07,
    OPEN = 0x10,
    READY = 0x81,
    HELLO = 0x82,
    OUTPUT = 0x83,
    GAP = 0x84,
    RESIZED = 0x85,
    EXIT = 0x86,
    FAILED = 0x87,
    TAKEN = 0x88,
    MODES = 0x89,
    OPENED = 0x90,
};

enum modes { ECHOES = 1, CANONICAL = 2, NOT_NOTED = 255 };

enum kind { LISTENER, SIGNALS, TERMINAL, CLIENT };

/* First member of whatever epoll watches. */
struct watch {
    enum kind kind;
    int fd;
    uint32_t events;
};

struct client;

struct terminal {
    struct watch watch; /* the PTY's master; fd -1 while no shell runs */
    uint8_t *ring;
    uint64_t start, end; /* absolute offsets of the oldest byte held and of the next one */
    uint64_t hold;       /* with nobody attached: what the last viewer had consumed */
    int64_t full_since_ms;
    bool overwriting;
    int shell;
    bool reaped;
    int64_t reaped_ms;
    int code;
    uint64_t exit_at;
    uint32_t exits;
    uint8_t modes; /* as last noted: enum modes */
    uint16_t cols, rows;
};

/* Bytes a slow viewer never gets: from the last one sent to the next one sent. */
struct jump {
    uint64_t from, to;
};

struct client {
    struct watch watch;
    struct terminal *terminal;
    bool watching; /* reads only: neither paces, sizes nor types */
    bool ready_due, hello_due, resized_due, taken_due, modes_due, doomed;
    const char *failure;
    uint64_t hello_offset, hello_gap;
    uint64_t cursor, acked;
    /* Bytes that may be unacknowledged now; how many an acknowledgement covers at most, as seen lately. */
    uint32_t window, stride;
    int64_t full_since_us, look_after_us; /* since when the window is full, and how much later to look why; 0: it is not */
    struct jump jumps[JUMPS];
    unsigned jumped;
    uint64_t typed; /* order of the last keystroke; 0 for one that never typed */
    uint64_t taken; /* input bytes handed to the terminal, in all */
    uint64_t told;  /* as many of them were told */
    uint32_t exits_seen;
    uint16_t cols, rows;
    size_t in_length, input_length, out_at, out_length;
    uint8_t in[HEADER_BYTES + INPUT_BYTES];
    uint8_t input[INPUT_BYTES];
    uint8_t out[HEADER_BYTES + 8 + CHUNK_BYTES];
};

struct keeper {
    int epoll;
    bool open; /* the driver said go: learner processes may start */
    uint8_t epoch[EPOCH_BYTES];
    int64_t stand_ms;
    uint64_t keystrokes;
    int egress; /* listens for those who want out; -1 in a node that has no way out */
    struct terminal terminals[TERMINALS];
    struct client *clients[CLIENTS];
};

extern struct keeper keeper;

/* keeper.c */
int64_t now_ms(void);
int64_t now_us(void);
void watch(struct watch *watched, uint32_t events);
void settle(struct terminal *terminal);
void stop_everything(void) __attribute__((noreturn));

/* terminal.c */
bool start_shell(struct terminal *terminal, uint16_t cols, uint16_t rows);
void set_size(struct terminal *terminal, uint16_t cols, uint16_t rows);
void note_modes(struct terminal *terminal);
void read_output(struct terminal *terminal);
void write_input(struct terminal *terminal);
void shell_ended(int pid, int status);
size_t reading_room(struct terminal *terminal);
int64_t next_deadline_ms(struct terminal *terminal);
void copy_out(const struct terminal *terminal, uint64_t offset, uint8_t *into, size_t length);
int run_shell(void);
void become_learner(void);

/* open.c */
int listen_for_egress(void);
bool open_way(struct client *client, const uint8_t *wish, size_t length);
int run_files(void);

/* client.c */
void accept_clients(int listener);
void read_client(struct client *client);
void pump(struct client *client);
void drop(struct client *client);
struct client *controller(const struct terminal *terminal);
uint64_t skipped(const struct client *client);

/* window.c */
void open_window(struct client *client);
bool window_is_full(struct client *client, uint64_t unacknowledged);
void loosen(struct client *client);
void tighten(struct client *client, uint64_t advance);
int64_t next_look_us(const struct client *client);

#endif
