# find_package(OpenCVParts REQUIRED COMPONENTS core imgproc ...): a target opencv_<part> each. OpenCV's own CMake
# package comes with all of OpenCV (on Debian libopencv-dev: 370 MB more than the parts that we use), and so would its
# pkg-config file.
find_path(OpenCVParts_INCLUDE_DIR opencv2/core.hpp PATH_SUFFIXES opencv4)
mark_as_advanced(OpenCVParts_INCLUDE_DIR)
foreach(part IN LISTS OpenCVParts_FIND_COMPONENTS)
  find_library(OpenCVParts_${part}_LIBRARY opencv_${part})
  mark_as_advanced(OpenCVParts_${part}_LIBRARY)
  if(OpenCVParts_${part}_LIBRARY)
    set(OpenCVParts_${part}_FOUND TRUE)
  endif()
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenCVParts REQUIRED_VARS OpenCVParts_INCLUDE_DIR HANDLE_COMPONENTS)

if(OpenCVParts_FOUND)
  foreach(part IN LISTS OpenCVParts_FIND_COMPONENTS)
    if(NOT TARGET opencv_${part})
      add_library(opencv_${part} UNKNOWN IMPORTED)
      set_target_properties(opencv_${part} PROPERTIES IMPORTED_LOCATION ${OpenCVParts_${part}_LIBRARY}
                            INTERFACE_INCLUDE_DIRECTORIES ${OpenCVParts_INCLUDE_DIR})
      if(NOT part STREQUAL "core")
        set_target_properties(opencv_${part} PROPERTIES INTERFACE_LINK_LIBRARIES opencv_core)
      endif()
    endif()
  endforeach()
endif()
