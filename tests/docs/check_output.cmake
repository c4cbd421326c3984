# Runs a program and compares what it prints with a file: cmake -DPROGRAM=… -DEXPECTED=… -P check_output.cmake
cmake_minimum_required(VERSION 3.25)

execute_process(
  COMMAND "${PROGRAM}"
  OUTPUT_VARIABLE printed
  RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "the program ended with ${status}; it printed:\n${printed}")
endif()
if(EXISTS "${EXPECTED}")
  file(READ "${EXPECTED}" expected)
  if(NOT printed STREQUAL expected)
    message(FATAL_ERROR "the text beside the program says:\n${expected}\nbut it printed:\n${printed}")
  endif()
endif()
