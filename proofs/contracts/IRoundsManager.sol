// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title IRoundsManager: the part of Livepeer's RoundsManager that proofs need
interface IRoundsManager {
    /// @notice Number of the running round; receipts carry it and the statute of limitations counts it.
    function currentRound() external view returns (uint256);
}
