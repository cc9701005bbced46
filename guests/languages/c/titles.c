// The second node of the chain (`wit/chain`): makes titles of the documents that the first one keeps.

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "second.h"

// Adds `length` bytes, of which there may be none, to `text`, which has memory of its own.
static void add(second_string_t *text, const uint8_t *bytes, size_t length) {
    text->ptr = realloc(text->ptr, text->len + length + 1);
    if (text->ptr == NULL) abort();
    if (length > 0) memcpy(text->ptr + text->len, bytes, length);
    text->len += length;
}

void exports_my_org_chain_titles_title(exports_my_org_chain_titles_borrow_document_t of, second_string_t *title) {
    uint32_t count = my_org_chain_words_method_document_count(of);
    *title = (second_string_t){ .ptr = NULL, .len = 0 };
    add(title, NULL, 0);
    for (uint32_t index = 0; index < count; index++) {
        second_string_t word;
        if (!my_org_chain_words_method_document_word(of, index, &word)) continue;
        if (index > 0) add(title, (const uint8_t *)" ", 1);
        if (word.len > 0 && word.ptr[0] >= 'a' && word.ptr[0] <= 'z') word.ptr[0] -= 'a' - 'A';
        add(title, word.ptr, word.len);
        second_string_free(&word);
    }
    my_org_chain_words_document_drop_borrow(of);
}

uint32_t exports_my_org_chain_titles_close(exports_my_org_chain_titles_own_document_t document) {
    uint32_t count = my_org_chain_words_method_document_count(my_org_chain_words_borrow_document(document));
    my_org_chain_words_document_drop_own(document);
    return count;
}
