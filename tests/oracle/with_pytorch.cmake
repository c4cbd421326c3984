# Runs a script with the first Python that has PyTorch.
#
#   cmake -DSCRIPT=live.py -DARGUMENTS=--seconds,60,tests_f32,tests_f64 -P with_pytorch.cmake

string(REPLACE "," ";" ARGUMENTS "${ARGUMENTS}")
find_program(PYTHON_IN_PATH python3)
foreach(python ${PYTHON_IN_PATH} /usr/bin/python3)
  if(EXISTS "${python}")
    execute_process(COMMAND "${python}" -c "import torch, numpy" RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
    if(NOT failed)
      # -B: no __pycache__ among the sources
      execute_process(COMMAND "${python}" -B "${CMAKE_CURRENT_LIST_DIR}/${SCRIPT}" ${ARGUMENTS}
                      COMMAND_ERROR_IS_FATAL ANY)
      return()
    endif()
  endif()
endforeach()
message("SKIPPED: no python3 with PyTorch was found (Debian: apt install python3-torch)")
