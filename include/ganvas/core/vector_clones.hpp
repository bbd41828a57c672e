#pragma once

/// Before a function: vector code for the machine at hand, chosen when the program starts.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__)
#define GANVAS_VECTOR_CLONES __attribute__((target_clones("arch=skylake-avx512", "avx2", "default")))
#else
#define GANVAS_VECTOR_CLONES
#endif
