# Runs live.py with the first Python that has PyTorch.
#
#   cmake -DPROGRAMS=tests_f32,tests_f64 -DSECONDS=60 -P live.cmake

string(REPLACE "," ";" PROGRAMS "${PROGRAMS}")
find_program(PYTHON_IN_PATH python3)
foreach(python ${PYTHON_IN_PATH} /usr/bin/python3)
  if(EXISTS "${python}")
    execute_process(COMMAND "${python}" -c "import torch, numpy" RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
    if(NOT failed)
      execute_process(COMMAND "${python}" -B "${CMAKE_CURRENT_LIST_DIR}/live.py" --seconds "${SECONDS}" ${PROGRAMS}
                      COMMAND_ERROR_IS_FATAL ANY)
      return()
    endif()
  endif()
endforeach()
message("SKIPPED: no python3 with PyTorch was found (Debian: apt install python3-torch)")
