# Installs the build into a folder of its own, builds the example against it with find_package, and runs it.
# Variables: BINARY_DIR (the build), SOURCE_DIR, MODEL, PICTURE, WORK_DIR.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${ARGN}\nfailed (${result}):\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK_DIR})
run(${CMAKE_COMMAND} --install ${BINARY_DIR} --prefix ${WORK_DIR}/prefix)
run(${CMAKE_COMMAND} -S ${SOURCE_DIR}/tools/examples/upscale_one -B ${WORK_DIR}/build -G Ninja
    -DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix)
run(${CMAKE_COMMAND} --build ${WORK_DIR}/build)
run(${WORK_DIR}/build/upscale_one ${MODEL} ${PICTURE} ${WORK_DIR}/large.png)
if(NOT output MATCHES "large.png: [0-9]+ x [0-9]+" OR NOT EXISTS ${WORK_DIR}/large.png)
  message(FATAL_ERROR "unexpected output: ${output}")
endif()
# The installed command finds the installed models.
run(${WORK_DIR}/prefix/bin/ganvas model list)
if(NOT output MATCHES "photo-x4")
  message(FATAL_ERROR "installed models not found: ${output}")
endif()
file(REMOVE_RECURSE ${WORK_DIR})
