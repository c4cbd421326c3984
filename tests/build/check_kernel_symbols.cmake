# Fails if a kernel file holds a weak symbol that other files could share:
# cmake -DNM=… -DLIBRARY=… -P check_kernel_symbols.cmake
#
# Of a weak symbol (an inline function, a template's instance) the linker keeps one copy for the whole program, any one.
# If avx512.cpp held a copy of, say, std::vector's growth, the program could end up with that one everywhere and die
# with an illegal instruction on older machines. So each must carry its own instruction set in its name.
cmake_minimum_required(VERSION 3.25)

execute_process(
  COMMAND "${NM}" -C "${LIBRARY}"
  OUTPUT_VARIABLE symbols
  COMMAND_ERROR_IS_FATAL ANY)
# A semicolon or bracket in a symbol's name would be read as CMake's own.
string(REGEX REPLACE "[][;]" "." symbols "${symbols}")
string(REPLACE "\n" ";" lines "${symbols}")

# Every file of kernels but the naive twins, which are compiled like the rest.
file(GLOB tables RELATIVE "${CMAKE_CURRENT_LIST_DIR}/../../tensor/simd"
     "${CMAKE_CURRENT_LIST_DIR}/../../tensor/simd/*.cpp")
list(TRANSFORM tables REPLACE "\\.cpp$" "")
list(REMOVE_ITEM tables kernels scalar)
list(JOIN tables "|" any_table)

set(kernels "")
set(count 0)
set(seen "")
set(wrong "")
foreach(line ${lines})
  if(line MATCHES "^([^ ]*)\\.o:$")
    set(kernels "")
    if(line MATCHES "^(${any_table})\\.cpp")
      set(kernels ${CMAKE_MATCH_1})
      list(APPEND seen ${kernels})
    endif()
  elseif(kernels AND line MATCHES "^[0-9a-fA-F]* +[WVu] (.*)$")
    set(symbol "${CMAKE_MATCH_1}")
    math(EXPR count "${count} + 1")
    # A pointer to the run-time library's handler of exceptions is the same for every instruction set. So are xsimd's
    # names for ARM's instructions: every 64-bit ARM processor has these.
    if(NOT symbol MATCHES "${kernels}|^DW\\.ref\\." AND NOT "${kernels} ${symbol}" MATCHES "^neon xsimd::kernel::")
      string(APPEND wrong "  ${kernels}.cpp: ${symbol}\n")
    endif()
  endif()
endforeach()

if(seen)
  list(REMOVE_ITEM tables ${seen})
endif()
if(tables)
  message(FATAL_ERROR "files of kernels that are not in ${LIBRARY}: ${tables}")
elseif(wrong)
  message(FATAL_ERROR "weak symbols without their instruction set in their name; "
                      "make them static, always inlined, or templates over the architecture:\n${wrong}")
endif()
list(JOIN seen ", " seen)
message("${count} weak symbols in ${seen}, each with its instruction set in its name")
