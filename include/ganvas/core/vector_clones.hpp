#pragma once

// Sanitisers instrument the functions that choose among clones, which run before a sanitiser is ready. GCC says by
// macros that one is on, clang by features.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GANVAS_SANITISED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define GANVAS_SANITISED
#endif
#endif

/// Before a function: vector code for the machine at hand, chosen when the program starts. The levels are sets of
/// features, which CPUs of any maker have; a maker's own model ("skylake-avx512") is asked for by name and found on no
/// other.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(GANVAS_SANITISED)
#define GANVAS_VECTOR_CLONES __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define GANVAS_VECTOR_CLONES
#endif
