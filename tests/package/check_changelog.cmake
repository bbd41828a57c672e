# The change log's newest entry is of the version that the build has. Variables: SOURCE_DIR, VERSION.
cmake_minimum_required(VERSION 3.25)
file(STRINGS ${SOURCE_DIR}/CHANGELOG.md entries REGEX "^## ")
list(GET entries 0 newest)
if(NOT newest MATCHES "^## \\[?${VERSION}\\]?( |$)")
  message(FATAL_ERROR "CHANGELOG.md begins with '${newest}', the version in CMakeLists.txt is ${VERSION}")
endif()
