// Greets by name, and tells the host's log whom: what `plugins/examples/greeter.rs` does.

#include <stdlib.h>
#include <string.h>

#include "my_plugin.h"

// `before`, `name` and `after` in memory of their own, which the bindings free.
static void join(const char *before, const my_plugin_string_t *name, const char *after, my_plugin_string_t *joined) {
    size_t head = strlen(before), tail = strlen(after);
    joined->len = head + name->len + tail;
    joined->ptr = malloc(joined->len);
    if (joined->ptr == NULL) abort();
    memcpy(joined->ptr, before, head);
    memcpy(joined->ptr + head, name->ptr, name->len);
    memcpy(joined->ptr + head + name->len, after, tail);
}

bool exports_my_org_my_plugin_plugin_api_process(my_plugin_string_t *name, my_plugin_string_t *ok, my_plugin_string_t *err) {
    if (name->len == 0) {
        my_plugin_string_dup(err, "nobody to greet");
        return false;
    }
    my_plugin_string_t line;
    join("greeting ", name, "", &line);
    my_plugin_log(&line);
    my_plugin_string_free(&line);
    join("Hello, ", name, "!", ok);
    my_plugin_string_free(name);
    return true;
}

void exports_my_org_my_plugin_plugin_api_get_version(my_plugin_string_t *version) {
    my_plugin_string_dup(version, "0.1.0");
}
