// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title IBondHold: until when the bonds of members may be needed
interface IBondHold {
    /// @notice Unix seconds until which the bond of anybody who voted so far must stay where it is.
    function bondsNeededUntil() external view returns (uint256);
}
