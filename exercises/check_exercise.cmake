# The solution passes the test of an exercise; the stub fails it, and says why.
#   cmake -DNAME=… -DGIVEN=program with the stub -DSOLVED=program with the solution -P check_exercise.cmake
cmake_minimum_required(VERSION 3.25)

execute_process(COMMAND "${SOLVED}" RESULT_VARIABLE status OUTPUT_VARIABLE printed ERROR_VARIABLE printed)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "exercises/${NAME}/solution.h does not pass the test:\n${printed}")
endif()

execute_process(COMMAND "${GIVEN}" RESULT_VARIABLE status OUTPUT_VARIABLE printed ERROR_VARIABLE printed)
if(status EQUAL 0)
  set(text "exercises/${NAME}/exercise.h passes the test before anybody has worked on it")
  if("$ENV{CI}" STREQUAL "")
    message("SKIPPED: ${text}, or you have solved it: well done")
  else()
    message(FATAL_ERROR "${text}: make the test tell stub and solution apart")
  endif()
elseif(NOT status EQUAL 1)
  message(FATAL_ERROR "exercises/${NAME}: the test ends with ${status} instead of a failed check:\n${printed}")
endif()
