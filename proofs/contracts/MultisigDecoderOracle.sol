// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDecoderOracle} from "./IDecoderOracle.sol";

/// @title MultisigDecoderOracle: a fixed set of people who re-run the decoder
/// @notice Can only give money back to an orchestrator, never take any.
contract MultisigDecoderOracle is IDecoderOracle {
    /// @notice Votes that overturn.
    uint256 public immutable threshold;
    mapping(address => bool) public isMember;
    /// @notice Each member decides a fault once, either way.
    mapping(bytes32 faultId => mapping(address member => bool)) public hasVoted;
    mapping(bytes32 faultId => uint256) public votes;
    mapping(bytes32 faultId => uint256) public upholdVotes;

    event OverturnVote(bytes32 indexed faultId, address indexed member, uint256 votes);
    event UpholdVote(bytes32 indexed faultId, address indexed member, uint256 votes);

    error InvalidThreshold(uint256 threshold, uint256 members);
    error DuplicateMember(address member);
    error NotMember(address caller);
    error AlreadyVoted(bytes32 faultId, address member);

    /// @param members who may vote; each once.
    /// @param threshold_ votes of one kind that decide; more than half of the members, so that both kinds cannot.
    constructor(address[] memory members, uint256 threshold_) {
        if (threshold_ * 2 <= members.length || threshold_ > members.length) {
            revert InvalidThreshold(threshold_, members.length);
        }
        for (uint256 i = 0; i < members.length; i++) {
            if (isMember[members[i]]) revert DuplicateMember(members[i]);
            isMember[members[i]] = true;
        }
        threshold = threshold_;
    }

    /// @notice Votes that this conviction is wrong.
    function overturn(bytes32 faultId) external {
        _vote(faultId);
        emit OverturnVote(faultId, msg.sender, ++votes[faultId]);
    }

    /// @notice Votes that this conviction is right; ends the wait of an appeal.
    function uphold(bytes32 faultId) external {
        _vote(faultId);
        emit UpholdVote(faultId, msg.sender, ++upholdVotes[faultId]);
    }

    /// @inheritdoc IDecoderOracle
    function isOverturned(bytes32 faultId) external view returns (bool) {
        return votes[faultId] >= threshold;
    }

    /// @inheritdoc IDecoderOracle
    function isUpheld(bytes32 faultId) external view returns (bool) {
        return upholdVotes[faultId] >= threshold;
    }

    function _vote(bytes32 faultId) private {
        if (!isMember[msg.sender]) revert NotMember(msg.sender);
        if (hasVoted[faultId][msg.sender]) revert AlreadyVoted(faultId, msg.sender);
        hasVoted[faultId][msg.sender] = true;
    }
}
