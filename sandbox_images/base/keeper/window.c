/* The window: how much a viewer is sent beyond what it acknowledged. Whatever is on its way stands before the echo of the
 * next key, so it is as small as its round trips allow, and as large as they need. */
#include "keeper.h"

#include <sys/ioctl.h>

void open_window(struct client *client) {
    client->window = FIRST_WINDOW_BYTES;
    client->stride = 0;
    client->full_since_us = 0;
}

/* Whether nothing more may be sent; since when is noted. */
bool window_is_full(struct client *client, uint64_t unacknowledged) {
    if (unacknowledged < client->window)
        return false;
    if (!client->full_since_us) {
        client->full_since_us = now_us();
        client->look_after_us = SLOW_US;
    }
    return true;
}

int64_t next_look_us(const struct client *client) {
    if (!client->full_since_us || client->window == WINDOW_BYTES)
        return INT64_MAX;
    return client->full_since_us + client->look_after_us;
}

/* Twice the window for a viewer that has read all and is long in saying so: its way is long, or it says so seldom. One
 * that has not read yet is busy, and more would only lie before it; it is looked at again, ever later. */
void loosen(struct client *client) {
    int unread = 0;
    if (next_look_us(client) > now_us())
        return;
    if (!ioctl(client->watch.fd, TIOCOUTQ, &unread) && unread > 0) {
        client->look_after_us *= 2;
        if (client->look_after_us > LONGEST_LOOK_US) {
            client->full_since_us = now_us();
            client->look_after_us = LONGEST_LOOK_US;
        }
        return;
    }
    client->window = client->window < WINDOW_BYTES / 2 ? client->window * 2 : WINDOW_BYTES;
    client->full_since_us = 0;
}

/* After an acknowledgement of ``advance`` bytes: half the window where it was hardly waited for or not at all, but never
 * less than acknowledgements cover, as the viewer would wait for more before the next. */
void tighten(struct client *client, uint64_t advance) {
    int64_t since = client->full_since_us;
    uint32_t half = client->window / 2;
    client->stride -= client->stride / 8;
    if (advance > client->stride)
        client->stride = advance;
    client->full_since_us = 0;
    if (since && now_us() - since >= QUICK_US)
        return;
    half = half > client->stride ? half : client->stride;
    half = half > FIRST_WINDOW_BYTES ? half : FIRST_WINDOW_BYTES;
    client->window = half < client->window ? half : client->window;
}
