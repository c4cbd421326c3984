#pragma once

// Which sanitizer a test runs under, for what must be smaller or different there. GCC and Clang say it in
// different ways.

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ATTUNE_UNDER_ADDRESS_SANITIZER
#endif
#if __has_feature(thread_sanitizer)
#define ATTUNE_UNDER_THREAD_SANITIZER
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define ATTUNE_UNDER_ADDRESS_SANITIZER
#endif
#if defined(__SANITIZE_THREAD__)
#define ATTUNE_UNDER_THREAD_SANITIZER
#endif
