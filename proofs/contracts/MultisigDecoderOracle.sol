// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDecoderOracle} from "./IDecoderOracle.sol";

/// @title MultisigDecoderOracle: a fixed set of people who re-run the decoder
/// @notice Can only give money back to an orchestrator, never take any.
contract MultisigDecoderOracle is IDecoderOracle {
    /// @notice Votes that overturn.
    uint256 public immutable threshold;
    mapping(address => bool) public isMember;
    mapping(bytes32 faultId => mapping(address member => bool)) public hasVoted;
    mapping(bytes32 faultId => uint256) public votes;

    event OverturnVote(bytes32 indexed faultId, address indexed member, uint256 votes);

    error InvalidThreshold(uint256 threshold, uint256 members);
    error DuplicateMember(address member);
    error NotMember(address caller);
    error AlreadyVoted(bytes32 faultId, address member);

    constructor(address[] memory members, uint256 threshold_) {
        if (threshold_ == 0 || threshold_ > members.length) revert InvalidThreshold(threshold_, members.length);
        for (uint256 i = 0; i < members.length; i++) {
            if (isMember[members[i]]) revert DuplicateMember(members[i]);
            isMember[members[i]] = true;
        }
        threshold = threshold_;
    }

    /// @notice Votes that this conviction is wrong.
    function overturn(bytes32 faultId) external {
        if (!isMember[msg.sender]) revert NotMember(msg.sender);
        if (hasVoted[faultId][msg.sender]) revert AlreadyVoted(faultId, msg.sender);
        hasVoted[faultId][msg.sender] = true;
        emit OverturnVote(faultId, msg.sender, ++votes[faultId]);
    }

    /// @inheritdoc IDecoderOracle
    function isOverturned(bytes32 faultId) external view returns (bool) {
        return votes[faultId] >= threshold;
    }
}
