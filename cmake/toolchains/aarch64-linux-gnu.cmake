# 64-bit ARM from another Linux machine, to run the NEON kernels where there is no such processor: Debian's cross compiler
# (g++-aarch64-linux-gnu, which brings the C library) builds, and QEMU's emulation of one process (qemu-user) runs.
# The preset `neon` uses this.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

# Where Debian keeps the target's libraries: the dynamic linker of the emulated process looks there too.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)

# The libraries that the project uses are headers only, so the building machine's packages will do; Debian keeps some of
# their CMake files in a folder of the building machine's architecture.
list(APPEND CMAKE_PREFIX_PATH "/usr/lib/${CMAKE_HOST_SYSTEM_PROCESSOR}-linux-gnu/cmake")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
