# Debian's libtorch_cpu names two dozen libraries that it never calls: OpenCV's and FFmpeg's, databases. Behind them
# some two hundred more are loaded at every start, GDAL and Qt among them, which takes a third of the time. An empty
# library of the same soname that is loaded first takes the place of each. Another LibTorch that does call one of them
# gets no stand-in for it.

# Only libraries that nothing else in our programs stands on.
set(GANVAS_NEVER_CALLED
    "^lib(opencv_(highgui|optflow|videoio|ximgproc|imgcodecs|video|dnn|calib3d|features2d|flann)|avcodec|avformat|avutil|swscale|swresample|lmdb|leveldb|snappy|zmq)\\.so\\.")

# Linkers drop libraries that give no symbol unless they are told.
set(CMAKE_CXX_LINK_LIBRARY_USING_uncalled "LINKER:--push-state,--no-as-needed" "<LINK_ITEM>" "LINKER:--pop-state"
    CACHE INTERNAL "")
set(CMAKE_CXX_LINK_LIBRARY_USING_uncalled_SUPPORTED TRUE CACHE INTERNAL "")

# ganvas_stand_ins(<target>): programs of this build that link <target> load stand-ins; GANVAS_STAND_INS has their
# targets. Such a program can't use the libraries themselves.
function(ganvas_stand_ins target)
  find_library(GANVAS_TORCH_CPU torch_cpu HINTS ${TORCH_INSTALL_PREFIX}/lib)
  find_program(GANVAS_LDD ldd)
  mark_as_advanced(GANVAS_TORCH_CPU GANVAS_LDD)
  set(stand_ins "")
  if(GANVAS_TORCH_CPU AND GANVAS_LDD)
    # Exits with 1 when it lists any.
    execute_process(COMMAND ${GANVAS_LDD} -u ${GANVAS_TORCH_CPU} OUTPUT_VARIABLE unused ERROR_QUIET)
    string(REGEX MATCHALL "/[^\n]+" unused "${unused}")
    foreach(path IN LISTS unused)
      cmake_path(GET path FILENAME file)
      if(file MATCHES "${GANVAS_NEVER_CALLED}" AND file MATCHES "^lib(.+)\\.so\\.(.+)$")
        set(stand_in stand_in_${CMAKE_MATCH_1})
        set(empty ${CMAKE_CURRENT_BINARY_DIR}/stand_in.cpp)
        file(CONFIGURE OUTPUT ${empty} CONTENT "")
        add_library(${stand_in} SHARED ${empty})
        set_target_properties(${stand_in} PROPERTIES OUTPUT_NAME ${CMAKE_MATCH_1} SOVERSION ${CMAKE_MATCH_2}
                              LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/stand-ins)
        target_compile_options(${stand_in} PRIVATE -fno-sanitize=all)
        target_link_options(${stand_in} PRIVATE -nostdlib -fno-sanitize=all)
        list(APPEND stand_ins ${stand_in})
      endif()
    endforeach()
  endif()
  foreach(stand_in IN LISTS stand_ins)
    target_link_libraries(${target} INTERFACE $<BUILD_INTERFACE:$<LINK_LIBRARY:uncalled,${stand_in}>>)
  endforeach()
  set(GANVAS_STAND_INS ${stand_ins} CACHE INTERNAL "Targets that stand in for libraries that LibTorch never calls")
endfunction()
